import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** The program cannot be started; the message is the container runtime's. */
export class StartError extends Error {}

/**
 * Where the program of a command is: looked for in PATH when it has no "/", else below the working directory; an
 * absolute path that the image has is meant to be the image's. Throws StartError when there is none that may be run.
 */
export function findProgram(program: string, workingDir: string, imageRoot: string, path: string): string {
  const candidates = program.includes("/")
    ? isAbsolute(program)
      ? [join(imageRoot, program), program]
      : [join(workingDir, program)]
    : path.split(":").map((directory) => join(directory, program));
  const present = candidates.filter((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
  if (present.length === 0) {
    const why = program.includes("/")
      ? `stat ${program}: no such file or directory`
      : "executable file not found in $PATH";
    throw new StartError(`exec: "${program}": ${why}`);
  }
  const runnable = present.find(isExecutable);
  if (!runnable) throw new StartError(`exec: "${program}": permission denied`);
  return runnable;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
