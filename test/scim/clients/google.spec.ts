import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('google as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('google', server);
});
