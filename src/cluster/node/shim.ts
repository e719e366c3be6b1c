/**
 * The program that stands between the node agent and a container: it outlives the agent, keeps the exit code on disk,
 * and takes everything that the container started with it when the container or the cluster ends. Plain POSIX sh.
 *
 * Arguments: a token that names this start and no other, the directory of its records, the working directory, whether
 * descriptor 3 is the lifeline (a pipe that ends with the supervisor), then the program and its arguments.
 * Records: `shim` and `pid` (process ids), `log` (output), `exit` (exit code).
 *
 * The shim leads a process group of its own. What a program puts into another group is found, on Linux, by the token
 * in its environment.
 */
export const shimScript = `
token=$1 records=$2 directory=$3 lifeline=$4
shift 4
end_all() {
  for entry in $(grep -l "HAKN_CONTAINER_TOKEN=$token" /proc/[0-9]*/environ 2>/dev/null); do
    entry=\${entry#/proc/}
    kill -s KILL "\${entry%/environ}"
  done
  kill -s KILL -- "-$$"
}
echo $$ >"$records/shim"
if [ "$lifeline" = yes ]; then
  (read -r never <&3; end_all) >/dev/null 2>&1 &
fi
cd "$directory" || exit 128
HAKN_CONTAINER_TOKEN=$token "$@" </dev/null >>"$records/log" 2>&1 3<&- &
child=$!
echo "$child" >"$records/pid"
wait "$child"
echo $? >"$records/exit"
end_all 2>/dev/null
`;
