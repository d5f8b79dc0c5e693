export interface TappedAnswer {
  asked: string;
  /** Whether the request created something: only then may the response contain a new key. */
  creates: boolean;
  /** Headers in one line, then the body. */
  text: string;
}

/** Records all responses that this process receives from servers, as bytes on the wire. */
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
