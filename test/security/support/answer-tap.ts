export interface TappedAnswer {
  asked: string;
  /** Whether something was made: a new key is shown then. */
  creates: boolean;
  /** Headers in one line, then the body. */
  text: string;
}

/** Everything that servers answer to this process, as it came over the wire. */
export class AnswerTap {
  readonly answers: TappedAnswer[] = [];
  private readonly fetch = globalThis.fetch;

  constructor() {
    globalThis.fetch = async (...asked) => {
      const request = new Request(...asked);
      const response = await this.fetch(...asked);
      const headers = JSON.stringify([...response.headers]);
      this.answers.push({
        asked: `${request.method} ${request.url}`,
        creates: response.status === 201,
        text: `${headers}\n${await response.clone().text()}`,
      });
      return response;
    };
  }

  remove(): void {
    globalThis.fetch = this.fetch;
  }
}
