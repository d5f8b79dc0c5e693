import { describeProvider } from './contract';
import { startDirectory } from './directory-target';
import { startPagerDuty } from './pagerduty-target';

describeProvider('PagerDuty with Scoped OAuth', () => startPagerDuty('oauth'));
describeProvider('PagerDuty with an API access key', () => startPagerDuty('api_key'));
describeProvider('a directory in memory', startDirectory);
