import { dropAndGrow } from '../pairs/drop-and-grow.js';
import { describeAgreement } from './describe-agreement.js';

describeAgreement(dropAndGrow);
