import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('jumpcloud as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('jumpcloud', server);
});
