import { serverOfThisFile } from '../support/server';
import { replayConversationsOf } from './conversation';

describe('okta as a client', () => {
  const server = serverOfThisFile();

  replayConversationsOf('okta', server);
});
