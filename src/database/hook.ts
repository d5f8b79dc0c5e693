/**
 * A place where upper rooms take part in the work of a lower room, which does not know them: they join its transaction, or
 * answer its question. Handlers are called one after the other, in the order of registration; an error of one fails the work.
 */
export abstract class Hook<Event extends unknown[], Answer = void> {
  private readonly handlers: ((...event: Event) => Promise<Answer>)[] = [];

  register(handler: (...event: Event) => Promise<Answer>): void {
    this.handlers.push(handler);
  }

  /** @returns one answer of each handler */
  async call(...event: Event): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const handler of this.handlers) answers.push(await handler(...event));
    return answers;
  }
}
