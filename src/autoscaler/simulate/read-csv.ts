import { complaint, loadPoint, type Place, series, show } from "./fields.ts";
import { mostPoints, type Recording, RecordingError, recordingOf } from "./recording.ts";

const columns = ["time", "concurrency", "rps"] as const;

/**
 * Reads a series from CSV: a heading that names the columns (time, and concurrency or rps or both), then a row for each
 * point. Empty lines and lines that begin with # are left out. Throws RecordingError, with the line.
 */
export function readCsv(text: string, file: string): Recording {
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ cells: line.split(",").map((cell) => cell.trim()), number: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
  const [heading, ...rows] = lines;
  if (!heading) throw new RecordingError(`${file}: is empty`);
  const refuse = complaint(`${file}:${heading.number}`, "");
  for (const name of heading.cells) {
    if (!columns.some((known) => known === name)) {
      refuse(`unknown column ${show(name)}: the heading may have time, concurrency and rps`);
    }
  }
  if (new Set(heading.cells).size !== heading.cells.length) refuse("a column is there twice");
  if (!heading.cells.includes("time")) refuse("the column time is missing");
  if (heading.cells.length < 2) refuse("a column concurrency or rps is missing");
  if (rows.length === 0) refuse("no row follows the heading");
  if (rows.length > mostPoints) refuse(`more than ${mostPoints} rows`);

  return recordingOf(
    series(
      rows.map(({ cells, number }) => {
        const where = `${file}:${number}`;
        const row: Place = { value: cells, complain: complaint(where, "") };
        if (cells.length !== heading.cells.length) {
          row.complain(`has ${cells.length} cells, the heading has ${heading.cells.length}`);
        }
        const field = (name: string): Place => ({
          value: cells[heading.cells.indexOf(name)],
          complain: complaint(where, name),
        });
        const point = loadPoint({ time: field("time"), concurrency: field("concurrency"), rps: field("rps") }, row);
        return { point, place: row };
      }),
    ),
  );
}
