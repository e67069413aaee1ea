# Starts the user's command with smallhands let in, and carries the requests to it.
#   sh launch.sh <hook folder> <command>
# The command's own output goes to standard error. Where the system lets another process open our descriptors by name
# (Linux), it does; elsewhere two named pipes are relayed.
hook=$1
command=$2
exec 3<&0 4>&1
if [ -p "/proc/$$/fd/3" ] && [ -p "/proc/$$/fd/4" ]; then
    SMALLHANDS_REQUESTS="/proc/$$/fd/3"
    SMALLHANDS_REPLIES="/proc/$$/fd/4"
else
    SMALLHANDS_REQUESTS="$hook/requests"
    SMALLHANDS_REPLIES="$hook/replies"
    mkfifo "$SMALLHANDS_REQUESTS" "$SMALLHANDS_REPLIES"
    cat <&3 >"$SMALLHANDS_REQUESTS" &
    sender=$!
    cat <"$SMALLHANDS_REPLIES" >&4 &
    receiver=$!
fi
export SMALLHANDS_REQUESTS SMALLHANDS_REPLIES
plugin=pytest_plugin
. "$hook/let_in.sh"
(
    exec </dev/null >&2 3<&- 4>&-
    exec sh -c "$command"
)
code=$?
printf '{"event":"exit","code":%d}\n' "$code" >&4
[ -z "${sender-}" ] || kill "$sender" "$receiver" 2>/dev/null
exit "$code"
