// binfmt_misc (the kernel's admin-guide/binfmt-misc): how programs of other architectures are told apart by their ELF
// header (e_ident, e_type, e_machine of the System V ABI), and what the kernel says of a handler.

interface Machine {
  /** In qemu-user's program names. */
  readonly qemu: string;
  readonly bits: 32 | 64;
  readonly endian: "little" | "big";
  /** e_machine. */
  readonly number: number;
}

/** By OCI name. */
const MACHINES: Readonly<Record<string, Machine>> = {
  "386": { qemu: "i386", bits: 32, endian: "little", number: 3 },
  amd64: { qemu: "x86_64", bits: 64, endian: "little", number: 62 },
  arm: { qemu: "arm", bits: 32, endian: "little", number: 40 },
  arm64: { qemu: "aarch64", bits: 64, endian: "little", number: 183 },
  loong64: { qemu: "loongarch64", bits: 64, endian: "little", number: 258 },
  ppc64le: { qemu: "ppc64le", bits: 64, endian: "little", number: 21 },
  riscv64: { qemu: "riscv64", bits: 64, endian: "little", number: 243 },
  s390x: { qemu: "s390x", bits: 64, endian: "big", number: 22 },
};

export const ARCHITECTURES: readonly string[] = Object.keys(MACHINES);

/** Names of the emulator of an architecture; undefined when there is none. */
export function qemuPrograms(architecture: string): readonly string[] | undefined {
  const machine = MACHINES[architecture];
  return machine && [`qemu-${machine.qemu}-static`, `qemu-${machine.qemu}`];
}

/** The first 20 bytes of an architecture's programs, and which of their bits tell. Every OS ABI, executables and PIEs. */
export function elfPattern(architecture: string): { readonly magic: Uint8Array; readonly mask: Uint8Array } {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new RangeError(`no architecture "${architecture}"`);
  const magic = new Uint8Array(20);
  const mask = new Uint8Array(20).fill(0xff);
  magic.set([0x7f, 0x45, 0x4c, 0x46, machine.bits === 64 ? 2 : 1, machine.endian === "little" ? 1 : 2, 1]);
  mask[7] = 0;
  const little = machine.endian === "little";
  new DataView(magic.buffer).setUint16(16, 2, little);
  new DataView(mask.buffer).setUint16(16, 0xfffe, little);
  new DataView(magic.buffer).setUint16(18, machine.number, little);
  return { magic, mask };
}

/**
 * A line for binfmt_misc's `register`. Flags: F opens the interpreter now, wherever programs run later; P passes their
 * argv[0]; C lets setuid programs be what they are.
 */
export function registerLine(name: string, architecture: string, interpreter: string, flags: string): string {
  const { magic, mask } = elfPattern(architecture);
  return `:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}`;
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

export interface Handler {
  readonly enabled: boolean;
  readonly interpreter: string;
  readonly flags: string;
  readonly offset: number;
  readonly magic: Uint8Array;
  readonly mask: Uint8Array;
}

/** What a file of binfmt_misc says; undefined for handlers of file name extensions and for anything else. */
export function parseHandler(text: string): Handler | undefined {
  const [state, ...lines] = text.split("\n");
  const value = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const [interpreter, magic] = [value("interpreter"), value("magic")];
  const flags = lines.find((line) => line.startsWith("flags:"))?.slice("flags:".length);
  if (interpreter === undefined || magic === undefined || flags === undefined) return undefined;
  const bytes = Uint8Array.from(Buffer.from(magic, "hex"));
  const mask = value("mask");
  return {
    enabled: state === "enabled",
    interpreter,
    flags: flags.trim(),
    offset: Number(value("offset") ?? 0),
    magic: bytes,
    mask: mask === undefined ? new Uint8Array(bytes.length).fill(0xff) : Uint8Array.from(Buffer.from(mask, "hex")),
  };
}

/** Whether the kernel gives programs of the architecture to this handler. */
export function handles(handler: Handler, architecture: string): boolean {
  const { magic } = elfPattern(architecture);
  if (handler.offset !== 0 || handler.magic.length > magic.length || handler.mask.length < handler.magic.length)
    return false;
  // One that does not look at the machine is for something else.
  if (handler.magic.length < magic.length) return false;
  return handler.magic.every((byte, at) => ((byte ^ (magic[at] ?? 0)) & (handler.mask[at] ?? 0)) === 0);
}
