"""pipguard in a shell: the script that a shell reads, shims, and the programs that call them."""
