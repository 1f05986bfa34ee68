// Reads the live stream (R7.8).

export interface LiveEvent {
  name: string;
  id: string;
  data: unknown;
}

async function* read(stream: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true }).replaceAll("\r", "");
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => [line.replace(/:.*/, ""), line.replace(/^[^:]*: ?/, "")]));
      const data = fields.get("data");
      if (data) yield { name: fields.get("event") ?? "message", id: fields.get("id") ?? "", data: JSON.parse(data) };
    }
  }
}

export class Live {
  readonly #events: AsyncGenerator<LiveEvent, void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#events = read(stream);
  }

  async next(): Promise<LiveEvent> {
    const { value } = await this.#events.next();
    if (!value) throw new Error("The stream has ended.");
    return value;
  }

  async close(): Promise<void> {
    await this.#events.return();
  }
}
