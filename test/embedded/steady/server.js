/** Answers every request after the same time, however many there are: concurrency follows from the rate alone. */
import { createServer } from "node:http";

const requestTimeMs = Number(process.env.REQUEST_TIME_MS);
const server = createServer((_request, response) => {
  setTimeout(() => response.end("ok\n"), requestTimeMs);
});
server.listen(Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => server.close());
