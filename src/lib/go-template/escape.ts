const html: Readonly<Record<string, string>> = {
  "\0": "\uFFFD",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Escapes for HTML. Source: Go text/template.HTMLEscapeString. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[\0"'&<>]/g, (character) => html[character]!);
}

/** Escapes for a JavaScript or JSON string. Source: Go text/template.JSEscapeString. */
export function escapeJs(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters have to be escaped.
  return text.replaceAll(/[\\'"<>&=\u0000-\u001f]|[\u0080-\u{10ffff}]/gu, (character) => {
    if (character === "\\" || character === "'" || character === '"') return `\\${character}`;
    if (character > "\x7f" && /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) return character;
    const code = character.codePointAt(0)!;
    return `\\u${(code >= 0xd800 && code < 0xe000 ? 0xfffd : code).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** Escapes for the query of a URL. Source: Go net/url.QueryEscape. */
export function escapeQuery(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
