# Runs the user's command as it is, with a recorder let in.
#   sh record.sh <hook folder> <file for the record> <command>
hook=$1
SMALLHANDS_RECORD=$2
export SMALLHANDS_RECORD
plugin=pytest_recorder
. "$hook/let_in.sh"
exec sh -c "$3"
