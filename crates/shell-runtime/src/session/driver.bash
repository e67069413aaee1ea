# Runs inside the session's bash. Commands arrive and results leave over descriptors that commands never see, so
# nothing a command prints, reads or sets can be taken for either.
#
#   240  the terminal, as standard input of commands     242  orders:   "run SEQ" or "sync SEQ", one per line
#   241  the text of the command (a file in memory)      243  reports:  "SEQ STATUS ENTERED DIRECTORY", NUL-terminated
#
# Standard input of the shell itself is a supply of LOOP lines (see shell.rs): whenever a command breaks out of the
# loop (break, an interrupt, ${x:?}), bash reads the next one and enters the loop again.

set +o history +H
PS1= PS2= PS0=
export -n PS1 PS2 PS0
unset HISTFILE

# Waits for an order and fetches the command. The options that a command may have set must not act on it.
__smallhands_receive() {
  local -
  set +aeux
  builtin mapfile -t -n 1 -u 242 __smallhands_order
  [[ ${#__smallhands_order[@]} -eq 1 ]] || return 1
  __smallhands_verb=${__smallhands_order[0]%% *}
  [[ $__smallhands_verb == run || $__smallhands_verb == sync ]] || return 0
  __smallhands_seq=${__smallhands_order[0]##* }
  builtin mapfile -d '' -t __smallhands_text </dev/fd/241
  __smallhands_prefix=
  if [[ $__smallhands_status != 0 && $- != *e* ]]; then
    # In front of "&&" a status is kept without being a failure for set -e or an ERR trap.
    __smallhands_prefix='__smallhands_restore && :;'
  elif [[ -n $__smallhands_trace ]]; then
    __smallhands_prefix='set -x;'
  fi
}

# Gives the next command the status, and the tracing, that the previous one left.
__smallhands_restore() {
  [[ -z $__smallhands_trace ]] || set -x
  return "$__smallhands_status"
} 2>/dev/null

# Reports the end of a command and comes back with the next. Plain assignments only: "set -k" takes those that stand
# behind a command's name.
__smallhands_turn() {
  __smallhands_status=$?
  __smallhands_trace=
  case $- in *x*) __smallhands_trace=1; set +x ;; esac
  __smallhands_entered=0
  if [[ -n ${__smallhands_entry-} ]]; then
    __smallhands_status=$__smallhands_entry
    __smallhands_entered=1
    __smallhands_entry=
  fi
  builtin jobs
  while :; do
    builtin printf '%s %s %s %s\0' "${__smallhands_seq:-0}" "$__smallhands_status" "$__smallhands_entered" "${PWD-}" >&243
    __smallhands_entered=0
    # The rest of an order that an interrupt tore is neither: it is asked for again.
    until __smallhands_receive || builtin exit 0; [[ $__smallhands_verb == run || $__smallhands_verb == sync ]]; do :; done
    [[ $__smallhands_verb == sync ]] || return 0
  done
}
