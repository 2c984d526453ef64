
# `python3 -m pip`, and nothing else of python.
function global:Invoke-PipguardPython([string] $Name, [object[]] $Words) {
    if ($Words.Count -ge 2 -and $Words[0] -ceq '-m' -and $Words[1] -ceq 'pip') {
        $rest = @($Words | Select-Object -Skip 2)
        Invoke-Pipguard $Name $rest
    } else {
        $command = Get-Command -CommandType Application $Name -ErrorAction Stop | Select-Object -First 1
        & $command @Words
    }
}
