// What happened, for Prometheus (text exposition format 0.0.4). Labels come from closed sets only: clients cannot add any.

type Labels = Readonly<Record<string, string>>;

const HELP: Readonly<Record<string, readonly [type: "counter" | "gauge", help: string]>> = {
  slipway_registry_requests_total: ["counter", "Requests that were answered, by route, method and status"],
  slipway_registry_request_seconds_total: ["counter", "Time from a request's head to the end of its answer, by route"],
  slipway_registry_received_bytes_total: ["counter", "Bytes of request bodies"],
  slipway_registry_sent_bytes_total: ["counter", "Bytes of response bodies"],
  slipway_registry_requests_in_flight: ["gauge", "Requests that are being answered"],
  slipway_registry_uploads_open: ["gauge", "Uploads that were started and not finished"],
  slipway_registry_collected_total: ["counter", "Files removed by garbage collection, by kind"],
  slipway_registry_mirror_total: ["counter", "Answers of the mirror, by kind and where they came from"],
};

export class Metrics {
  readonly #values = new Map<string, number>();

  add(name: string, value: number, labels: Labels = {}): void {
    const key = keyOf(name, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + value);
  }

  set(name: string, value: number, labels: Labels = {}): void {
    this.#values.set(keyOf(name, labels), value);
  }

  format(): string {
    const lines: string[] = [];
    const keys = [...this.#values.keys()].sort();
    for (const [name, [type, help]] of Object.entries(HELP)) {
      const mine = keys.filter((key) => key === name || key.startsWith(`${name}{`));
      if (mine.length === 0) continue;
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const key of mine) lines.push(`${key} ${this.#values.get(key) ?? 0}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function keyOf(name: string, labels: Labels): string {
  if (HELP[name] === undefined) throw new RangeError(`no such metric: ${name}`);
  const text = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return text.length === 0 ? name : `${name}{${text.join(",")}}`;
}
