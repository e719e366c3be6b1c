/** How many bytes of a body are looked at. */
const sniffBytes = 512;
const plain = "text/plain; charset=utf-8";
const html = "text/html; charset=utf-8";

/** Tags that make a text HTML, when a blank or `>` follows. */
const htmlStart =
  /^(?:<!doctype html|<html|<head|<script|<iframe|<h1|<div|<font|<table|<a|<style|<title|<b|<body|<br|<p|<!--)[ >]/i;

/** Beginnings and the type they stand for, in order; `later` is what must stand at an offset besides. */
const beginnings: readonly (readonly [start: string, type: string, later?: readonly [offset: number, text: string]])[] =
  [
    ["%PDF-", "application/pdf"],
    ["%!PS-Adobe-", "application/postscript"],
    ["\xfe\xff", "text/plain; charset=utf-16be"],
    ["\xff\xfe", "text/plain; charset=utf-16le"],
    ["\xef\xbb\xbf", plain],
    ["\0\0\x01\0", "image/x-icon"],
    ["\0\0\x02\0", "image/x-icon"],
    ["BM", "image/bmp"],
    ["GIF87a", "image/gif"],
    ["GIF89a", "image/gif"],
    ["RIFF", "image/webp", [8, "WEBPVP"]],
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["\xff\xd8\xff", "image/jpeg"],
    ["FORM", "audio/aiff", [8, "AIFF"]],
    ["ID3", "audio/mpeg"],
    ["OggS\0", "application/ogg"],
    ["MThd\0\0\0\x06", "audio/midi"],
    ["RIFF", "video/avi", [8, "AVI "]],
    ["RIFF", "audio/wave", [8, "WAVE"]],
    ["", "video/mp4", [4, "ftypmp4"]],
    ["", "video/mp4", [4, "ftypisom\0\0\x02\0isomiso2avc1mp4"]],
    ["\x1a\x45\xdf\xa3", "video/webm"],
    ["", "application/vnd.ms-fontobject", [34, "LP"]],
    ["\0\x01\0\0", "font/ttf"],
    ["OTTO", "font/otf"],
    ["ttcf", "font/collection"],
    ["wOFF", "font/woff"],
    ["wOF2", "font/woff2"],
    ["\x1f\x8b\x08", "application/x-gzip"],
    ["PK\x03\x04", "application/zip"],
    ["Rar!\x1a\x07\0", "application/x-rar-compressed"],
    ["Rar!\x1a\x07\x01\0", "application/x-rar-compressed"],
    ["\0asm", "application/wasm"],
  ];

/**
 * The Content-Type that Go's server gives a body that has none, by its first bytes. Source: Go net/http/sniff.go (the
 * WHATWG sniffing algorithm).
 */
export function sniffContentType(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, sniffBytes)).toString("latin1");
  const start = text.replace(/^[\t\n\f\r ]+/, "");
  if (htmlStart.test(start)) return html;
  if (start.startsWith("<?xml")) return "text/xml; charset=utf-8";
  for (const [beginning, type, later] of beginnings) {
    if (text.startsWith(beginning) && (!later || text.startsWith(later[1], later[0]))) return type;
  }
  return isBinary(start) ? "application/octet-stream" : plain;
}

/** Whether control characters occur that do not in text (all but tab, line feed, form feed, return, escape). */
function isBinary(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 && ![9, 10, 12, 13, 27].includes(code)) return true;
  }
  return false;
}
