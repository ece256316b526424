import { alternating } from '../pairs/alternating.js';
import { describeAgreement } from './describe-agreement.js';

describeAgreement(alternating);
