import type { Scene, Suite } from "../case.ts";
import { four, frame, frames, getHeaders, opened, preface, settings } from "../http2-wire.ts";

const cancelled = frame(3, 0, 1, four(8));
const literal = (name: string, value: string) =>
  `\x00${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
/** Answered by the proxy itself: 200 and five bytes. */
const probeHeaders = getHeaders + literal("user-agent", "kube-probe/1") + literal("k-network-probe", "queue");
const probe = (stream: number) => frame(1, 5, stream, probeHeaders);
const initialWindow = (size: number) => frame(4, 0, 0, `\x00\x04${four(size)}`);
const ping = frame(6, 0, 0, "12345678");

/** What has to work: each is sent in turn, and after each the DATA of stream 1 so far is as stated. */
interface Exchange {
  readonly section: string;
  readonly name: string;
  readonly differs?: string;
  readonly steps: readonly { readonly send: string; readonly data: string }[];
}

const exchanges: readonly Exchange[] = [
  {
    section: "4.1",
    name: "reserved bits are ignored",
    steps: [{ send: `\x00\x00\x08\x06\x00\x80\x00\x00\x0012345678${probe(1)}`, data: "queue" }],
  },
  {
    section: "4.3",
    name: "a header block in many pieces",
    steps: [
      {
        send:
          frame(1, 1, 1, probeHeaders.slice(0, 3)) +
          [...probeHeaders.slice(3, 9)].map((byte) => frame(9, 0, 1, byte)).join("") +
          frame(9, 4, 1, probeHeaders.slice(9)),
        data: "queue",
      },
    ],
  },
  {
    section: "5.1",
    name: "WINDOW_UPDATE and RST_STREAM for a stream that is over are ignored",
    steps: [
      { send: probe(1), data: "queue" },
      { send: frame(8, 0, 1, four(1)) + frame(3, 0, 1, four(8)), data: "queue" },
    ],
  },
  {
    section: "5.1",
    name: "PRIORITY for idle and closed streams is ignored",
    steps: [
      { send: frame(2, 0, 9, `${four(0)}\x10`) + probe(1), data: "queue" },
      { send: frame(2, 0, 1, `${four(0)}\x10`), data: "queue" },
    ],
  },
  {
    section: "6.2",
    name: "padding and priority of HEADERS are skipped",
    steps: [{ send: frame(1, 0x2d, 1, `\x03${four(0)}\x10${probeHeaders}\x00\x00\x00`), data: "queue" }],
  },
  {
    section: "6.5.2",
    name: "unknown settings are ignored",
    steps: [{ send: frame(4, 0, 0, `\x00\xff${four(7)}`) + probe(1), data: "queue" }],
  },
  {
    section: "6.7",
    name: "an acknowledged PING is not answered",
    steps: [{ send: frame(6, 1, 0, "abcdefgh") + probe(1), data: "queue" }],
  },
  {
    section: "6.9.1",
    name: "a window of one byte lets one byte through",
    steps: [
      { send: initialWindow(1) + probe(1), data: "q" },
      { send: frame(8, 0, 1, four(2)), data: "que" },
      { send: frame(8, 0, 1, four(9)), data: "queue" },
    ],
  },
  {
    section: "6.9.2",
    name: "a change of the initial window counts for open streams",
    steps: [
      { send: initialWindow(0) + probe(1), data: "" },
      { send: initialWindow(3), data: "que" },
      { send: initialWindow(5), data: "queue" },
    ],
  },
  {
    section: "6.5.3",
    name: "of two initial windows in one SETTINGS the last counts for open streams",
    differs: "Go ends a connection whose SETTINGS name one parameter twice",
    steps: [
      { send: initialWindow(0) + probe(1), data: "" },
      { send: frame(4, 0, 0, `\x00\x04${four(5)}\x00\x04${four(3)}`), data: "que" },
    ],
  },
  {
    section: "6.9.2",
    name: "a window below zero is filled up first",
    steps: [
      { send: initialWindow(3) + probe(1), data: "que" },
      { send: initialWindow(1), data: "que" },
      { send: frame(8, 0, 1, four(2)), data: "que" },
      { send: frame(8, 0, 1, four(1)), data: "queu" },
    ],
  },
  {
    section: "HPACK 4.2",
    name: "a smaller table at the block's beginning",
    steps: [{ send: frame(1, 5, 1, `\x20\x3f\xe1\x1f${probeHeaders}`), data: "queue" }],
  },
];

/** What RFC 9113 and RFC 7541 let a client do, by section. */
export const http2States: Suite = {
  name: "http2 states by section",
  environment: {},
  cases: [
    {
      name: "5.1: frames for a stream that was reset are no reason to end the connection",
      async run({ backend, connect }) {
        backend.answer = () => {};
        const client = connect();
        client.send(preface + settings + opened + cancelled + frame(8, 0, 1, four(5)) + ping);
        await client.wait(() => frames(client.received).find(({ type, flags }) => type === 6 && flags === 1));
      },
    },
    {
      name: "6.5.3: SETTINGS are acknowledged in turn",
      differs: "Go acknowledges those that come together once",
      async run({ connect }) {
        const client = connect();
        client.send(preface + settings + settings + settings + ping);
        const acknowledged = await client.wait(() => {
          const received = frames(client.received);
          const pong = received.findIndex(({ type, flags }) => type === 6 && flags === 1);
          return pong < 0
            ? undefined
            : received.filter(({ type, flags }, at) => at < pong && type === 4 && flags === 1);
        });
        if (acknowledged.length !== 3) throw new Error(`${acknowledged.length} acknowledged before the PING`);
      },
    },
    ...exchanges.map(({ section, name, steps, ...differing }) => ({
      name: `${section}: ${name}`,
      ...differing,
      async run({ connect }: Scene) {
        const client = connect();
        client.send(preface + settings);
        for (const [step, { send, data }] of steps.entries()) {
          // The PING's echo tells that everything before it has been dealt with; the probe is answered a moment later.
          client.send(send + frame(6, 0, 0, `step${step}   `));
          await client.wait(() => {
            const received = frames(client.received);
            const bytes = received
              .filter(({ type, stream }) => type === 0 && stream === 1)
              .map(({ payload }) => payload);
            if (bytes.join("") !== data) return undefined;
            return received.find(
              ({ type, flags, payload }) => type === 6 && flags === 1 && payload.startsWith(`step${step}`),
            );
          });
        }
      },
    })),
  ],
};
