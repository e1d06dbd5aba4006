// Writes chunks of an answer and tells when each has left. An answer that waits behind another on the same connection never
// hears of its writes when the connection breaks: then the end of the socket counts.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class ChunkWriter implements Disposable {
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  #release: () => void = () => undefined;

  constructor(response: ServerResponse, socket: Socket) {
    this.#response = response;
    this.#socket = socket;
    socket.on("close", this.#onClose);
  }

  get isGone(): boolean {
    return this.#response.destroyed || this.#socket.destroyed;
  }

  /** One at a time. Resolves when the chunk has left, or nobody is there any more. */
  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      this.#response.write(chunk, () => resolve());
    });
  }

  [Symbol.dispose](): void {
    this.#socket.off("close", this.#onClose);
  }

  readonly #onClose = (): void => this.#release();
}
