import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('onelogin as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('onelogin', server);
});
