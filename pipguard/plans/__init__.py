"""Plans, one file for each destination: a `Route` becomes a `Plan`. All of them are pure."""
