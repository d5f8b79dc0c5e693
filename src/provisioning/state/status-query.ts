export interface StatusQuery<State extends string> {
  state?: State;
  /** Part of the name, without case. */
  search?: string;
  after: string;
  limit: number;
}
