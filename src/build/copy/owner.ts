// --chown=USER[:GROUP]: numbers as they are, names by the target's /etc/passwd and /etc/group. As docker and buildah have
// it, a lone number is also the group's, a lone name brings its primary group.
import { bytesToByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { BuildError } from "../error.ts";
import type { CopyTarget } from "./target.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const MAX_ID = 0xffff_ffff;
const MAX_DATABASE_BYTES = 8 * 1024 * 1024;

/** Throws BuildError BAD_VALUE, NOT_FOUND. */
export async function findOwner(chown: string, onto: Pick<CopyTarget, "readFile">): Promise<Owner> {
  const [user = "", group = ""] = splitOnce(chown);
  if (user === "" && group === "")
    throw new BuildError("BAD_VALUE", `cannot use --chown=${chown}: it names neither a user nor a group`);
  const account = await userOf(chown, user, onto);
  const gid = group === "" ? account.gid : (numberOf(group) ?? (await groupOf(chown, group, onto)));
  return { uid: account.uid, gid };
}

function splitOnce(text: string): string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function numberOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}

async function userOf(chown: string, user: string, onto: Pick<CopyTarget, "readFile">): Promise<Owner> {
  if (user === "") return { uid: 0, gid: 0 };
  const number = numberOf(user);
  if (number !== undefined) return { uid: number, gid: number };
  const [, , uid, gid] = await record(chown, "user", user, "etc/passwd", onto);
  const found = { uid: numberOf(uid ?? ""), gid: numberOf(gid ?? "") };
  if (found.uid === undefined || found.gid === undefined) throw badRecord(chown, user, "etc/passwd");
  return { uid: found.uid, gid: found.gid };
}

async function groupOf(chown: string, group: string, onto: Pick<CopyTarget, "readFile">): Promise<number> {
  const [, , gid] = await record(chown, "group", group, "etc/group", onto);
  const found = numberOf(gid ?? "");
  if (found === undefined) throw badRecord(chown, group, "etc/group");
  return found;
}

/** The fields of the first line of that name. */
async function record(
  chown: string,
  what: string,
  name: string,
  path: string,
  onto: Pick<CopyTarget, "readFile">,
): Promise<string[]> {
  const bytes = await onto.readFile(path, MAX_DATABASE_BYTES);
  const wanted = `${utf8ToByteString(name)}:`;
  const line =
    bytes === undefined
      ? undefined
      : bytesToByteString(bytes)
          .split("\n")
          .find((one) => one.startsWith(wanted));
  if (line !== undefined) return line.split(":");
  const found = bytes === undefined ? `there is no /${path}` : `/${path} has no ${what} of that name`;
  throw new BuildError("NOT_FOUND", `cannot use --chown=${chown}: ${found} where "${name}" is copied to`, {
    hint: `Add the ${what} with a RUN before, or write its number`,
  });
}

function badRecord(chown: string, name: string, path: string): BuildError {
  return new BuildError("BAD_VALUE", `cannot use --chown=${chown}: the line of "${name}" in /${path} has no numbers`);
}
