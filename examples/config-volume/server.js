// Answers with the content of a file that comes from a ConfigMap. Read anew each time: the file follows the ConfigMap.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const file = process.env.GREETING_FILE ?? "/etc/greeting/text";
const server = createServer((_request, response) => {
  try {
    response.end(readFileSync(file));
  } catch (error) {
    response.writeHead(500).end(`${error.message}\n`);
  }
});
server.listen(Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => server.close());
