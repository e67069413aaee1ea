# Runs inside the session's bash. Commands arrive and results leave over descriptors that commands never see, so
# nothing a command prints, reads or sets can be taken for either.
#
#   240  the terminal, as standard input of commands     242  orders, one per line (below)
#   241  the text of the command (a file in memory)      243  reports, NULs around each (below)
#
#   orders    rSEQ        run the text               reports   SEQ STATUS ENTERED RAN FRAGILE DIRECTORY
#             sSEQ        only report                          trap -- ... ERR    (in front of a report, if it is set)
#             nSEQ GROUP  report a job's end, too              note TEXT          (what "jobs" says of GROUP)
#
# RAN is 1 when the text was run and 0 when bash could not parse it. FRAGILE is 1 when any failure ends the
# shell (set -e).
#
# Standard input of the shell itself is a supply of LOOP lines (see shell.rs): whenever a command breaks out of the
# loop (break, an interrupt, ${x:?}), bash reads the next one and enters the loop again.
#
# Only what bash 4.2 has, except where the version is looked at. Plain assignments only: "set -k" takes those that
# stand behind a command's name.

set +o history +H
builtin unset -v HISTFILE PROMPT_COMMAND PS0 PS2
# Not empty, because start-up files stop at an empty prompt, but nothing to see.
PS1='\[\]'
export -n PS1
__smallhands_seq=0
__smallhands_ran=1
__smallhands_modes=
__smallhands_kept=0

# Fetches the text of a command as it is.
if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
  __smallhands_fetch() { builtin mapfile -d '' -t -u 241 __smallhands_text; }
else
  __smallhands_fetch() {
    builtin local IFS=
    builtin mapfile -u 241 __smallhands_text
    __smallhands_text="${__smallhands_text[*]-}"
  }
fi

# Sets aside what the command did to prompts, and the modes that must not act on the driver; the next command gets
# them back. A text that could not be parsed changed nothing.
__smallhands_settle() {
  if [[ $__smallhands_ran == 1 ]]; then
    __smallhands_kept=$__smallhands_status
    case $- in *[abvx]*) __smallhands_modes=${-//[!abvx]/} ;; *) __smallhands_modes= ;; esac
  fi
  if [[ -n $__smallhands_modes ]]; then
    set +abvx
    [[ $__smallhands_modes != *a* ]] || export -n "${!__smallhands_@}"
  fi
  if [[ ${PS1-}${PROMPT_COMMAND[*]-}${PS0-} != '\[\]' ]]; then
    builtin unset -v PROMPT_COMMAND PS0
    builtin unset -v PS1 && PS1='\[\]' && export -n PS1
  fi
}

# Prepares the text: what stands in front of it, in the same line, runs only if the whole line can be parsed.
__smallhands_prepare() {
  __smallhands_fetch
  __smallhands_ran=0
  __smallhands_prefix='__smallhands_ran=1;'
  if [[ $__smallhands_kept != 0 && $- != *e* ]]; then
    # In front of "&&" a status is kept without being a failure for set -e or an ERR trap.
    __smallhands_prefix='__smallhands_restore && :;'
  elif [[ -n $__smallhands_modes ]]; then
    __smallhands_prefix="__smallhands_ran=1;set -$__smallhands_modes;"
  fi
}

# Gives the next command the status, and the modes, that the previous one left.
__smallhands_restore() {
  __smallhands_ran=1
  [[ -z $__smallhands_modes ]] || set "-$__smallhands_modes"
  return "$__smallhands_kept"
} 2>/dev/null

# Reports what bash says of the job of a process group. Its number stands in front of the process id.
__smallhands_note() {
  __smallhands_said=$(builtin jobs -l)
  [[ $__smallhands_said == *" $1 "* ]] || return 0
  __smallhands_said=${__smallhands_said%%" $1 "*}
  __smallhands_said=${__smallhands_said##*\[}
  builtin printf '\0note %s\0' "$(builtin jobs "%${__smallhands_said%%]*}")" >&243
}

__smallhands_report() {
  builtin printf '\0%s %s %s %s %s %s\0' "$__smallhands_seq" "$__smallhands_status" "$__smallhands_entered" \
    "$__smallhands_ran" "$__smallhands_fragile" "${PWD-}"
  __smallhands_entered=0
}

# What follows a command.
__smallhands_end() {
  __smallhands_entered=0
  if [[ -n ${__smallhands_entry-} ]]; then
    __smallhands_status=$__smallhands_entry
    __smallhands_entered=1
    __smallhands_entry=
  fi
  __smallhands_own=
  __smallhands_settle
  case $- in *e*) __smallhands_fragile=1 ;; *) __smallhands_fragile=0 ;; esac
  builtin jobs
}

# Comes back with the next command.
__smallhands_next() {
  while :; do
    builtin mapfile -t -n 1 -u 242 __smallhands_order
    [[ ${#__smallhands_order[@]} -eq 1 ]] || builtin exit 0
    # The rest of an order that an interrupt tore is none: it is asked for again.
    case ${__smallhands_order[0]} in
      r*)
        __smallhands_seq=${__smallhands_order[0]#r}
        __smallhands_prepare
        return 0
        ;;
      s*)
        __smallhands_seq=${__smallhands_order[0]#s}
        __smallhands_report >&243
        ;;
      n*)
        __smallhands_seq=${__smallhands_order[0]#n}
        __smallhands_note "${__smallhands_seq#* }"
        __smallhands_seq=${__smallhands_seq% *}
        __smallhands_report >&243
        ;;
    esac
  done
}
