import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('authentik as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('authentik', server);
});
