// QEMU Machine Protocol (qemu docs/interop/qmp-spec): a greeting, then commands and answers as JSON, one a line.
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { VmError } from "./errors.ts";

const MAX_LINE_BYTES = 1024 * 1024;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class QmpClient implements Disposable {
  readonly #socket: Socket;
  #buffer = "";
  #waiting: Waiting[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  static async connect(path: string): Promise<QmpClient> {
    const socket = createConnection(path);
    await once(socket, "connect");
    const client = new QmpClient(socket);
    await client.execute("qmp_capabilities");
    return client;
  }

  /** Throws QMP_FAILED. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#buffer += text;
    if (this.#buffer.length > MAX_LINE_BYTES) {
      this.#socket.destroy(new Error(`a message is longer than ${MAX_LINE_BYTES} bytes`));
      return;
    }
    for (let end = this.#buffer.indexOf("\n"); end >= 0; end = this.#buffer.indexOf("\n")) {
      const line = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + 1);
      this.#message(JSON.parse(line) as { return?: unknown; error?: { desc?: string } });
    }
  }

  /** Greeting and events are neither answer nor error. */
  #message(message: { readonly return?: unknown; readonly error?: { readonly desc?: string } }): void {
    if (message.error !== undefined) {
      this.#waiting
        .shift()
        ?.reject(new VmError("QMP_FAILED", `QEMU refused a command: ${message.error.desc ?? "no reason given"}`));
    } else if ("return" in message) this.#waiting.shift()?.resolve(message.return);
  }

  #fail(cause: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting)
      each.reject(new VmError("QMP_FAILED", `cannot talk to QEMU: ${cause.message}`, { cause }));
  }
}
