import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('entra as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('entra', server);
});
