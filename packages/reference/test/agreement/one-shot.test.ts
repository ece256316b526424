import { oneShot } from '../pairs/one-shot.js';
import { describeAgreement } from './describe-agreement.js';

describeAgreement(oneShot);
