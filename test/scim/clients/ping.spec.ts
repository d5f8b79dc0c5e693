import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('ping as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('ping', server);
});
