/** What a frame carries on the way between the API server and a node's agent while a command runs in a container. */
export const execChannels = { input: 0, output: 1, errors: 2, size: 3, result: 4 } as const;

export type ExecChannel = (typeof execChannels)[keyof typeof execChannels];

/** How the command ended; the text of a failure says why it could not be run. */
export type ExecResult = { readonly exitCode: number } | { readonly failure: string };

/** Rows and columns of the client's terminal. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

const headBytes = 5;
const maxFrameBytes = 16 * 1024 * 1024;

/** A frame: its channel, its length, and the bytes. Input without bytes means that there is no more. */
export function execFrame(channel: ExecChannel, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head[0] = channel;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A frame that carries JSON. */
export function execMessage(channel: ExecChannel, value: ExecResult | TerminalSize | null): Buffer {
  return execFrame(channel, Buffer.from(JSON.stringify(value)));
}

/** The frames of a connection, to its end. Throws when a frame is too long to be one. */
export async function* readExecFrames(
  connection: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly channel: number; readonly bytes: Buffer }> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of connection) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= headBytes) {
      const end = headBytes + pending.readUInt32BE(1);
      if (end > maxFrameBytes) throw new Error(`an exec frame of ${end} bytes is too long`);
      if (pending.length < end) break;
      yield { channel: pending[0]!, bytes: pending.subarray(headBytes, end) };
      pending = pending.subarray(end);
    }
  }
}
