/** A counting semaphore; who waits is served in order. */
export class Slots {
  readonly #total: number;
  readonly #waiting: { readonly serve: () => void; readonly refuse: (error: Error) => void }[] = [];
  #taken = 0;
  #refusal: Error | undefined;
  /** Most slots ever taken at once. */
  peak = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** @throws what `refuse` was given. */
  async take(): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    if (this.#taken >= this.#total) {
      // Whoever frees a slot hands it over without giving it up.
      await new Promise<void>((serve, refuse) => this.#waiting.push({ serve, refuse }));
      return;
    }
    this.#taken++;
    this.peak = Math.max(this.peak, this.#taken);
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next) next.serve();
    else this.#taken--;
  }

  /** Nobody will be served any more. */
  refuse(error: Error): void {
    this.#refusal = error;
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }
}
