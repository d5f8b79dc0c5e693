import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('sailpoint as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('sailpoint', server);
});
