# Runs inside the session's bash. Commands arrive and results leave over descriptors that programs never see, and reports
# carry numbers that cannot be guessed, so nothing a command prints, reads or sets can be taken for either.
#
#   50  the terminal, as standard input of commands      52  orders, one per line (below)
#   51  the text of the command (a file in memory)       53  reports, NULs around each (below)
#
#   orders    rSEQ        run the text               reports   SEQ STATUS ENTERED RAN FLAGS DIRECTORY
#             dSEQ        run it as a line of input            ... trap -- ...    (in front of a report, if ERR or
#             sSEQ        only report                                              DEBUG are trapped)
#             nSEQ GROUP  report a job's end, too              note TEXT          (what "jobs" says of GROUP)
#
# RAN is 1 when the text was run and 0 when bash could not parse it. FLAGS are those of the command, as $- has them.
#
# Standard input of the shell itself is a supply of ENTRY lines (see shell.rs): whenever a command breaks out of the
# loop (an interrupt, ${x:?}, and all that are run as a line of input), bash reads the next ones and enters it again.
#
# Only what bash 4.2 has, except where the version is looked at. Plain assignments only: "set -k" takes those that
# stand behind a command's name. Builtins only by way of "builtin", because any may be a function; the few that cannot
# be reached otherwise are repaired when they are missed.

# The descriptors came as 56 to 59. Bash itself closes copies of 0 and 1 that it saves (the first free one from 10) when it
# starts a program, and copies of such a copy, too: a shell has no other way to say so.
{ { exec 50<&10; } </dev/null; } <&56
{ { exec 51<&10; } </dev/null; } <&57
{ { exec 52<&10; } </dev/null; } <&58
{ { exec 53>&10; } >/dev/null; } >&59
exec 56<&- 57<&- 58<&- 59>&-

builtin set +o history +H
builtin unset -v HISTFILE PS0 PS2
builtin export -n PS1
__smallhands_seq=0
__smallhands_ran=1
__smallhands_modes=
__smallhands_kept=0
__smallhands_pipes=()
__smallhands_shown=
# Not empty, because start-up files stop at an empty prompt, but nothing to see. Before bash shows a prompt, whatever a
# command made of it, the prompt command makes it invisible again.
PS1='\[\]'
PROMPT_COMMAND=__smallhands_hush

__smallhands_hush() {
  builtin unset -v PS1 PS0 && PS1='\[\]'
} 2>/dev/null

# Fetches the text of a command as it is.
if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
  __smallhands_fetch() { builtin mapfile -d '' -t -u 51 __smallhands_text; }
else
  __smallhands_fetch() {
    builtin local IFS=
    builtin mapfile -u 51 __smallhands_text
    __smallhands_text="${__smallhands_text[*]-}"
  }
fi

# Sets aside the prompt, and the modes that must not act on the driver; the next command gets them back. A text that
# could not be parsed changed nothing.
__smallhands_settle() {
  if [[ $__smallhands_ran == 1 ]]; then
    __smallhands_kept=$__smallhands_status
    case $- in *[abvx]*) __smallhands_modes=${-//[!abvx]/} ;; *) __smallhands_modes= ;; esac
  fi
  if [[ -n $__smallhands_modes ]]; then
    builtin set +abvx
    [[ $__smallhands_modes != *a* ]] || builtin export -n "${!__smallhands_@}"
  fi
  if [[ "${PS1-}${PROMPT_COMMAND[*]-}${PS0-}" != '\[\]__smallhands_hush' ]]; then
    [[ ${PS1-} == '\[\]' ]] || __smallhands_shown=${PS1-}
    builtin unset -v PROMPT_COMMAND PS0 && PROMPT_COMMAND=__smallhands_hush
    __smallhands_hush
  fi
}

# Prepares the text: what stands in front of it, in the same line, runs only if the whole line can be parsed.
__smallhands_prepare() {
  __smallhands_fetch
  __smallhands_ran=0
  __smallhands_prefix='__smallhands_ran=1;'
  if [[ ${#__smallhands_pipes[@]} -gt 1 && ${__smallhands_text[0]-} == *PIPESTATUS* && $- != *e* ]]; then
    builtin printf -v __smallhands_pipe '(builtin exit %s)|' "${__smallhands_pipes[@]}"
    __smallhands_prefix="__smallhands_ran=1;${__smallhands_pipe%|};"
  elif [[ $__smallhands_kept != 0 && $- != *e* ]]; then
    # In front of "&&" a status is kept without being a failure for set -e or an ERR trap.
    __smallhands_prefix='__smallhands_restore "" && [[ 1 ]];'
  elif [[ -n $__smallhands_modes$__smallhands_shown ]]; then
    __smallhands_prefix='__smallhands_restore "";'
  fi
}

# The text becomes an alias of the first word of an ENTRY: of all that bash reads as a line of input, only that can be
# of any size. So it is neither in the driver's loop nor evaluated by a builtin, which shows in traces and in traps.
__smallhands_line() {
  [[ $- != *k* ]] && builtin shopt -q expand_aliases || builtin return 0
  __smallhands_ran=1
  # It would set a DEBUG trap off before the line is read.
  builtin unset -v PROMPT_COMMAND
  builtin alias __smallhands_enter="{ __smallhands_restore '' && [[ 1 ]]; } >/dev/null 2>&1
{ ${__smallhands_text[0]-}
} <&50
{ __smallhands_leave; } >/dev/null 2>&1"
  builtin return 1
}

# The first word of an ENTRY, with a text and without one: keeps what the last command left.
__smallhands_leave() { __smallhands_entry=$? __smallhands_pipes=("${PIPESTATUS[@]}"); }
__smallhands_enter() { __smallhands_entry=$? __smallhands_pipes=("${PIPESTATUS[@]}"); }

# Gives the next command what the previous one left: status, modes, prompt. The empty argument becomes its $_.
__smallhands_restore() {
  __smallhands_ran=1
  [[ -z $__smallhands_shown || ${PS1-} == "$__smallhands_shown" ]] || PS1=$__smallhands_shown
  [[ -z $__smallhands_modes ]] || builtin set "-$__smallhands_modes"
  if [[ $- == *e* ]]; then builtin return 0; fi
  builtin return "$__smallhands_kept"
} 2>/dev/null

# Reports what bash says of the job of a process group. Its number stands in front of the process id.
__smallhands_note() {
  __smallhands_said=$(builtin jobs -l)
  [[ $__smallhands_said == *" $1 "* ]] || builtin return 0
  __smallhands_said=${__smallhands_said%%" $1 "*}
  __smallhands_said=${__smallhands_said##*\[}
  builtin printf '\0note %s\0' "$(builtin jobs "%${__smallhands_said%%]*}")" >&53
  # Once this shell has said it, and not only a copy of it, bash does not say it again.
  builtin jobs
}

__smallhands_report() {
  builtin printf '\0%s %s %s %s %s %s\0' "$__smallhands_seq" "$__smallhands_status" "$__smallhands_entered" \
    "$__smallhands_ran" "$__smallhands_flags" "${PWD-}"
  __smallhands_entered=0
}

# What follows a command.
__smallhands_end() {
  __smallhands_entered=0
  if [[ -n ${__smallhands_entry-} ]]; then
    __smallhands_status=$__smallhands_entry
    __smallhands_entered=1
    __smallhands_entry=
    builtin unalias __smallhands_enter
  elif [[ -z ${__smallhands_own-} ]]; then
    __smallhands_pipes=()
  fi
  __smallhands_own=
  __smallhands_settle
  __smallhands_flags=$-$__smallhands_modes
  builtin jobs
}

# There is no order: the other side is gone, or a command took the builtins away that are needed, by functions of their
# name or by disabling them. What POSIX calls special comes before functions in its mode, and an assignment begins that.
__smallhands_repair() {
  if [[ -n ${__smallhands_repaired-} ]]; then
    POSIXLY_CORRECT=1
    exit 0
  fi
  __smallhands_repaired=1
  if [[ -o posix ]]; then
    unset -f builtin
  else
    POSIXLY_CORRECT=1
    unset -f builtin
    unset -v POSIXLY_CORRECT
  fi
  enable builtin
  builtin enable alias enable eval exit export jobs local mapfile printf return set shopt trap unalias unset
  __smallhands_settle
  __smallhands_report >&53
}

# Comes back with the next command; fails when that is a line of input.
__smallhands_next() {
  while [[ 1 ]]; do
    __smallhands_order=()
    builtin mapfile -t -n 1 -u 52 __smallhands_order
    [[ ${#__smallhands_order[@]} -eq 1 ]] || __smallhands_repair
    # The rest of an order that an interrupt tore is none: it is asked for again.
    case ${__smallhands_order[0]-} in
      ?*) __smallhands_repaired= ;;
    esac
    case ${__smallhands_order[0]-} in
      r*)
        __smallhands_seq=${__smallhands_order[0]#r}
        __smallhands_prepare
        builtin return 0
        ;;
      d*)
        __smallhands_seq=${__smallhands_order[0]#d}
        __smallhands_prepare
        __smallhands_line
        builtin return
        ;;
      s*)
        __smallhands_seq=${__smallhands_order[0]#s}
        __smallhands_report >&53
        ;;
      n*)
        __smallhands_seq=${__smallhands_order[0]#n}
        __smallhands_note "${__smallhands_seq#* }"
        __smallhands_seq=${__smallhands_seq% *}
        __smallhands_report >&53
        ;;
    esac
  done
}
