# pipguard in this shell: `pip` and `pip3` go through it, and what they install can be used at once.

$global:PipguardProgram = @PROGRAM@
$global:PipguardNote = Join-Path @NOTES@ "$PID-$(Get-Random)"

# A `pip` that something else has defined stays: it may check what is installed.
foreach ($name in 'pip', 'pip3') {
    if ((Test-Path "Function:$name") -and "$(Get-Content "Function:$name")" -notlike '*pipguard*') {
        [Console]::Error.WriteLine("pipguard: ``$name`` is defined by something else in this shell, and stays so")
    } else {
        Set-Item "Function:global:$name" ([scriptblock]::Create("Invoke-Pipguard '$name' `$args"))
    }
}

function global:Invoke-Pipguard([string] $Name, [object[]] $Words) {
    if (-not (Test-Path -LiteralPath $PipguardProgram)) {
        $command = Get-Command -CommandType Application $Name -ErrorAction Stop | Select-Object -First 1
        if ($Name -like 'pip*') { & $command @Words } else { & $command -m pip @Words }
        return
    }
    $env:PIPGUARD_CALLED_AS = $Name
    $env:PIPGUARD_NOTE = $PipguardNote
    try {
        & $PipguardProgram @Words
    } finally {
        Remove-Item Env:PIPGUARD_CALLED_AS, Env:PIPGUARD_NOTE
    }
    $result = $LASTEXITCODE
    if (Test-Path -LiteralPath $PipguardNote) {
        $environment = (Get-Content -Raw -LiteralPath $PipguardNote).TrimEnd([char] 0)
        Remove-Item -LiteralPath $PipguardNote
        if ($environment) { Enter-PipguardEnvironment $environment }
    }
    # `guard undo` may have removed the environment that is active.
    if ($global:PipguardActive -and -not (Test-Path -LiteralPath $global:PipguardActive)) { deactivate }
    $global:LASTEXITCODE = $result
}

function global:Enter-PipguardEnvironment([string] $Environment) {
    if ($env:VIRTUAL_ENV -and (Test-Path Function:deactivate)) { deactivate }
    $folder = if ($env:OS -eq 'Windows_NT') { 'Scripts' } else { 'bin' }
    $global:PipguardFormerPath = $env:PATH
    $env:PATH = (Join-Path $Environment $folder) + [IO.Path]::PathSeparator + $env:PATH
    $env:VIRTUAL_ENV = $Environment
    $env:PIPGUARD_ACTIVATED = $Environment
    $global:PipguardActive = $Environment
    function global:deactivate([switch] $NonDestructive) {
        $env:PATH = $global:PipguardFormerPath
        Remove-Item Env:VIRTUAL_ENV, Env:PIPGUARD_ACTIVATED -ErrorAction SilentlyContinue
        $global:PipguardActive = ''
        if (-not $NonDestructive) { Remove-Item Function:deactivate }
    }
}

Register-ArgumentCompleter -Native -CommandName pip, pip3 -ScriptBlock {
    param($word, $line, $position)
    $words = @($line.CommandElements | ForEach-Object { $_.ToString() })
    $place = if ($word) { $words.Count - 1 } else { $words.Count }
    $env:COMP_WORDS = $words -join ' '
    $env:COMP_CWORD = $place
    $env:PIP_AUTO_COMPLETE = 1
    try { $known = @((& $PipguardProgram 2>$null) -split '\s+') }
    finally { Remove-Item Env:COMP_WORDS, Env:COMP_CWORD, Env:PIP_AUTO_COMPLETE }
    if ($place -eq 1) { $known += 'guard' }
    $known | Where-Object { $_ -and $_.StartsWith($word) }
}
