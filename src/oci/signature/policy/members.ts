// Members of a policy's objects. Whatever is wrong is a SyntaxError that says where; the policy's reader names the file.
import { asArray, asObject, type JsonObject } from "../../json.ts";

export const MAX_LIST = 1000;

/** An object that has no members but these. */
export function knownMembers(value: unknown, where: string, members: readonly string[]): JsonObject {
  const object = plainObject(value, where);
  const unknown = Object.keys(object).filter((member) => !members.includes(member));
  if (unknown.length > 0) throw new SyntaxError(`${where} has ${unknown.join(", ").slice(0, 200)}, which is unknown`);
  return object;
}

export function plainObject(value: unknown, where: string): JsonObject {
  return asObject(value, { document: "the policy", path: where });
}

export function plainList(value: unknown, where: string): readonly unknown[] {
  return asArray(value, { document: "the policy", path: where }, MAX_LIST);
}

export function text(value: unknown, where: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new SyntaxError(`${where} is ${JSON.stringify(value) ?? "missing"}, wanted is a text`);
}

export function texts(value: unknown, where: string): readonly string[] {
  const list = plainList(value, where);
  if (list.length === 0) throw new SyntaxError(`${where} is an empty list`);
  return list.map((item, index) => text(item, `${where}[${index}]`));
}
