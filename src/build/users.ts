// USER as numbers: NAME|UID[:GROUP|GID], looked up in the root's own /etc/passwd and /etc/group (passwd(5), group(5)).
import { BuildError } from "./error.ts";

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  /** Its own group first, then those that list the user, unless USER names a group. */
  readonly groups: readonly number[];
  readonly home: string;
}

interface Files {
  readFile(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_ID = 0xff_ff_ff_fe;

/** Root for "". Throws BuildError NOT_FOUND for a name that the image does not know. */
export async function lookUpUser(files: Files, text: string): Promise<UserIds> {
  const [name = "", group] = text.split(":", 2);
  const users = await table(files, "etc/passwd", 7);
  const wanted = name === "" ? "0" : name;
  const user = users.find((row) => row[0] === wanted) ?? users.find((row) => row[2] === wanted);
  const uid = idOf(user?.[2] ?? wanted);
  if (uid === undefined) throw unknown("user", wanted, "etc/passwd");
  const home = user?.[5] ?? "";
  const known = { uid, home: home === "" ? "/" : home };
  if (group !== undefined && group !== "") {
    const gid = await lookUpGroup(files, group);
    return { ...known, gid, groups: [gid] };
  }
  const groups = (await table(files, "etc/group", 4)).filter(
    (row) => row[3]?.split(",").includes(user?.[0] ?? "") === true,
  );
  const gid = idOf(user?.[3] ?? "") ?? 0;
  const others = user === undefined ? [] : groups.flatMap((row) => idOf(row[2] ?? "") ?? []);
  return { ...known, gid, groups: [...new Set([gid, ...others])] };
}

async function lookUpGroup(files: Files, name: string): Promise<number> {
  const groups = await table(files, "etc/group", 4);
  const gid = idOf(groups.find((row) => row[0] === name)?.[2] ?? name);
  if (gid === undefined) throw unknown("group", name, "etc/group");
  return gid;
}

async function table(files: Files, path: string, columns: number): Promise<string[][]> {
  const bytes = await files.readFile(path, MAX_FILE_BYTES);
  const lines = bytes === undefined ? [] : Buffer.from(bytes).toString("utf8").split("\n");
  return lines.map((line) => line.split(":")).filter((row) => row.length >= Math.min(columns, 3));
}

function idOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}

function unknown(what: "user" | "group", name: string, path: string): BuildError {
  return new BuildError(
    "NOT_FOUND",
    `cannot run as ${what} ${JSON.stringify(name)}: the image's /${path} does not know it`,
    {
      hint: `Add the ${what} in an earlier RUN, or give a number`,
    },
  );
}
