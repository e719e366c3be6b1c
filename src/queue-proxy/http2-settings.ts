import { defaultMaxFrame, demand, errorCode, maxWindow, setting, settingsFrame } from "./codec/http2-frames.ts";
import { maxHeaderList } from "./http2-header-block.ts";
import type { Http2Sender } from "./http2-sender.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { streamWindow } from "./http2-windows.ts";

/** The largest frame that we take, and send. */
export const maxFrame = 64 * 1024;

/** What we ask of a peer. `maxStreams`: how many streams a client may open; undefined: we are the client. */
export function makeSettings(maxStreams: number | undefined): Buffer {
  return settingsFrame([
    [setting.maxFrameSize, maxFrame],
    [setting.initialWindowSize, streamWindow],
    [setting.maxHeaderListSize, maxHeaderList],
    maxStreams === undefined ? [setting.enablePush, 0] : [setting.maxConcurrentStreams, maxStreams],
  ]);
}

/** Takes the peer's settings from a SETTINGS payload. Throws ConnectionError. */
export function applySettings(payload: Buffer, sender: Http2Sender, streams: Iterable<Http2Stream>): void {
  for (let offset = 0; offset + 6 <= payload.length; offset += 6) {
    const value = payload.readUInt32BE(offset + 2);
    switch (payload.readUInt16BE(offset)) {
      case setting.headerTableSize:
        sender.encoder.setLimit(value);
        break;
      case setting.enablePush:
        demand(value <= 1, errorCode.protocol, "bad ENABLE_PUSH");
        break;
      case setting.maxConcurrentStreams:
        sender.peerMaxStreams = value;
        break;
      case setting.initialWindowSize:
        demand(value <= maxWindow, errorCode.flowControl, "bad INITIAL_WINDOW_SIZE");
        for (const stream of streams) {
          stream.sendWindow += value - sender.peerInitialWindow;
          demand(stream.sendWindow <= maxWindow, errorCode.flowControl, "window overflow");
        }
        sender.peerInitialWindow = value;
        break;
      case setting.maxFrameSize:
        demand(value >= defaultMaxFrame && value < 2 ** 24, errorCode.protocol, "bad MAX_FRAME_SIZE");
        sender.peerMaxFrame = Math.min(value, maxFrame);
        break;
      default:
    }
  }
}
