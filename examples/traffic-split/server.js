import { createServer } from "node:http";

const color = process.env.COLOR ?? "grey";
const server = createServer((_request, response) => response.end(`${color}\n`));
server.listen(Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => server.close());
