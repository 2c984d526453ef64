
# Activates the environment of a project that is entered, and leaves it with the project. One that
# the user activated stays. pipguard itself says whether an environment is to be trusted.
$global:PipguardPlace = ''
function global:Enter-PipguardPlace {
    $here = "$PWD"
    if ($here -eq $global:PipguardPlace) { return }
    $global:PipguardPlace = $here
    if ($env:VIRTUAL_ENV -and $env:VIRTUAL_ENV -ne $global:PipguardActive) { return }
    $environment = ''
    if (Test-Path -LiteralPath $PipguardProgram) {
        $environment = ((& $PipguardProgram guard shell-init --locate) -join "`n").TrimEnd([char] 0)
    }
    if ($env:VIRTUAL_ENV -eq $environment) { return }
    if ($env:VIRTUAL_ENV -and (Test-Path Function:deactivate)) { deactivate }
    if ($environment) { Enter-PipguardEnvironment $environment }
}
if (-not $global:PipguardPrompt) {
    $global:PipguardPrompt = $function:prompt
    function global:prompt { Enter-PipguardPlace; & $global:PipguardPrompt }
}
