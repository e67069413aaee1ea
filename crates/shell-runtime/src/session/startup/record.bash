# Says, as commands, what the start-up files made of the shell: run in a fresh shell, they make the same of it. Sections
# are divided by lines of NULs. What starts with __smallhands_ is the driver's and ours.

builtin printf '\0files\0'
builtin printf '%s\n' "${!__smallhands_read[@]}"

# What cannot be said as commands: then nothing is remembered.
builtin printf '\0obstacles\0'
builtin jobs -p
for __smallhands_item in {3..9}; do
  [[ ! -e /proc/$$/fd/$__smallhands_item ]] || builtin printf 'descriptor %s\n' "$__smallhands_item"
done
[[ $__smallhands_trap == *__smallhands_read* ]] || builtin printf 'a DEBUG trap\n'
[[ $__smallhands_limits == "$(builtin ulimit -Sa; builtin ulimit -Ha)" ]] || builtin printf 'limits\n'
[[ $- != *[avx]* ]] || builtin printf 'options %s\n' "$-"

builtin printf '\0commands\0'
# Patterns first, because functions are read with them; aliases last, because they would be read into functions.
{ builtin shopt -p; builtin set +o; } | while builtin read -r __smallhands_item; do
  [[ $'\n'$__smallhands_options$'\n' != *$'\n'"$__smallhands_item"$'\n'* ]] || continue
  case ${__smallhands_item##* } in
    login_shell | restricted_shell | emacs | histexpand | history | monitor | noexec | onecmd | privileged | vi) ;;
    *) builtin printf '%s\n' "$__smallhands_item" ;;
  esac
done
for __smallhands_item in "${__smallhands_before[@]}"; do
  [[ -v $__smallhands_item ]] || builtin printf 'builtin unset -v %s\n' "$__smallhands_item"
done
builtin mapfile -t __smallhands_names < <(builtin compgen -v)
for __smallhands_item in "${__smallhands_names[@]}"; do
  case $__smallhands_item in
    __smallhands_* | _ | BASH | BASHOPTS | BASHPID | BASH_ALIASES | BASH_ARGC | BASH_ARGV | BASH_ARGV0) ;;
    BASH_CMDS | BASH_COMMAND | BASH_EXECUTION_STRING | BASH_LINENO | BASH_LOADABLES_PATH | BASH_REMATCH) ;;
    BASH_SOURCE | BASH_SUBSHELL | BASH_VERSINFO | BASH_VERSION | BASH_MONOSECONDS | BASH_TRAPSIG) ;;
    COLUMNS | COMP_WORDBREAKS | COPROC | DIRSTACK | EPOCHREALTIME | EPOCHSECONDS | EUID | FUNCNAME | GROUPS) ;;
    HISTCMD | HISTFILE | LINENO | LINES | OLDPWD | PIPESTATUS | PPID | PROMPT_COMMAND | PS0 | PS1 | PS2 | PWD) ;;
    RANDOM | SECONDS | SHELLOPTS | SHLVL | SRANDOM | UID | SMALLHANDS_ORIGIN) ;;
    *) builtin declare -p "$__smallhands_item" ;;
  esac
done
builtin declare -f | while IFS= builtin read -r __smallhands_item; do
  # The driver's own functions stand in every shell.
  case $__smallhands_item in
    '__smallhands_'*' () ') __smallhands_skip=1 ;;
    *' () ') __smallhands_skip= ;;
  esac
  [[ -n ${__smallhands_skip-} ]] || builtin printf '%s\n' "$__smallhands_item"
done
builtin declare -F | while builtin read -r __smallhands_item; do
  case $__smallhands_item in
    'declare -f '* | *' __smallhands_'*) ;;
    *) builtin printf '%s\n' "$__smallhands_item" ;;
  esac
done
builtin complete -p
builtin enable -pn
builtin trap -p
builtin umask -p
builtin printf 'builtin cd -- %q\n' "$PWD"
[[ ! -v OLDPWD ]] || builtin declare -p OLDPWD
builtin alias -p
