/** A template that cannot be parsed, or does not suit its data. The message is that of Go's text/template. */
export class TemplateError extends Error {}
