// --chmod: octal as chmod(1) reads it, or symbolic (POSIX chmod, "Extended Description") as BuildKit accepts it, with a
// umask of 0. Refuses what chmod would.
import { BuildError } from "../error.ts";

export type ChangeMode = (mode: number, isDirectory: boolean) => number;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const READ = 0o444;
const WRITE = 0o222;
const EXECUTE = 0o111;
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/;
const ACTION = /([-+=])([ugo]|[rwxXst]*)/g;

/** Throws BuildError BAD_VALUE. */
export function parseChmod(text: string): ChangeMode {
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const fixed = Number.parseInt(text, 8);
    return () => fixed;
  }
  const clauses = text.split(",").map((clause) => {
    const [, who, actions] = CLAUSE.exec(clause) ?? [];
    if (who === undefined || actions === undefined) throw badMode(text);
    return { who: maskOf(who), actions: [...actions.matchAll(ACTION)] };
  });
  return (mode, isDirectory) => {
    let current = mode;
    for (const { who, actions } of clauses)
      for (const [, operator, what] of actions) {
        const bits = bitsOf(what as string, current, isDirectory) & who;
        if (operator === "+") current |= bits;
        else if (operator === "-") current &= ~bits;
        else current = (current & ~cleared(who, isDirectory)) | bits;
      }
    return current;
  };
}

/** Nobody named: everybody. */
function maskOf(who: string): number {
  return who === "" ? 0o7777 : who.split("").reduce((mask, one) => mask | (WHO[one] as number), 0);
}

/** "=" sets what it names and clears the rest, but for a directory's setuid and setgid bits, as chmod does. */
function cleared(who: number, isDirectory: boolean): number {
  return isDirectory ? who & 0o1777 : who;
}

function bitsOf(what: string, mode: number, isDirectory: boolean): number {
  if (what === "u" || what === "g" || what === "o") {
    const bits = (mode >> { u: 6, g: 3, o: 0 }[what]) & 7;
    return bits * 0o111;
  }
  let bits = 0;
  for (const letter of what) {
    if (letter === "r") bits |= READ;
    else if (letter === "w") bits |= WRITE;
    else if (letter === "x") bits |= EXECUTE;
    else if (letter === "X") bits |= isDirectory || (mode & EXECUTE) !== 0 ? EXECUTE : 0;
    else if (letter === "s") bits |= 0o6000;
    else bits |= 0o1000;
  }
  return bits;
}

function badMode(text: string): BuildError {
  return new BuildError("BAD_VALUE", `cannot use --chmod=${text.slice(0, 100)}: it is no mode`, {
    hint: "Write it as 644, 4755 or u=rwX,go=rX",
  });
}
