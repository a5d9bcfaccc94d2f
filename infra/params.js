'use strict';

// Checks the deploy parameters and works out what the templates need from them.
// A wrong parameter ends the command with one line, before anything is packaged or deployed.

const KEPT_BY_DEFAULT = { deletionPolicy: 'Retain', deletionProtection: true };
const THROWN_AWAY = { deletionPolicy: 'Delete', deletionProtection: false };
const PASSING_STAGES = ['demo', 'test'];

const PATH_PRICE_USD = 0.005;
const LONGEST_MONTH_MINUTES = 31 * 24 * 60;
const FEWEST_PATHS = 2;
const MOST_BUCKETS = 10;
const MOST_DISTRIBUTIONS = 20;
const LONGEST_LIST = 1000;

const PATTERN = [/^[^\s,]{1,255}$/, "a path pattern of CloudFront's, such as assets/*, without spaces or commas"];

const patterns = {
  stage: [/^[a-z][a-z0-9-]{0,19}$/, '1 to 20 lower-case letters, digits and hyphens, starting with a letter'],
  bucket: [/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens'],
  distribution: [/^E[A-Z0-9]{5,30}$/, 'a distribution id: an E followed by capital letters and digits'],
  budgetUsd: [/^(none|\d{1,6}(\.\d{1,2})?)$/, 'dollars from 0 to 999999.99, or none for no limit'],
  freePaths: [/^(\d{1,3}|1000)$/, 'a whole number from 0 to 1000'],
  guaranteeMinutes: [/^([1-9]\d{0,3})$/, 'a whole number of minutes from 1 to 9999'],
  include: PATTERN,
  exclude: PATTERN,
  immutable: PATTERN,
  viewerPaths: [
    /^(E[A-Z0-9]{5,30}=)?(none|(folders|bare|queries|errors|stems)(\+(folders|bare|queries|errors|stems))*)$/,
    'folders, bare, queries, errors and stems joined by +, or none, with or without a distribution id and = before it',
  ],
  skipUnchanged: [/^(true|false)$/, 'true or false'],
  alarmEmail: [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'one e-mail address'],
};

class BadParameter extends Error {}

const check = (name, value) => {
  const [pattern, bound] = patterns[name];
  if (!pattern.test(value)) throw new BadParameter(`Parameter ${name} is "${value}"; it must be ${bound}`);
  return value;
};

const checkIfGiven = (name, value) => (value === '' ? value : check(name, value));

const checkNames = (given, known) => {
  for (const assignment of given ?? []) {
    const name = assignment.split('=', 1)[0];
    if (!known.includes(name)) {
      throw new BadParameter(`Parameter ${name} is unknown; the parameters are ${known.join(', ')}`);
    }
  }
};

const list = (name, text, most = Infinity) => {
  const values = text.split(',').map((value) => value.trim()).filter(Boolean);
  values.forEach((value) => check(name, value));
  if (values.length > most) {
    throw new BadParameter(`Parameter ${name} names ${values.length} ${name}s; at most ${most} fit one stack`);
  }
  if (text.length > LONGEST_LIST) {
    throw new BadParameter(`Parameter ${name} has ${text.length} characters; it must have ${LONGEST_LIST} or fewer`);
  }
  return [...new Set(values)];
};

const bucketArn = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });
const distributionArn = (id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/${id}` });

// In tenths of a cent, since 0.005 has no exact binary fraction.
const pathsFor = (dollars) => Math.floor(Math.round(dollars * 1000) / Math.round(PATH_PRICE_USD * 1000));

const checkTogether = ({ names, distributions, allowance, budgetUsd, freePaths, guaranteeMinutes }) => {
  if (distributions.length > 0 && names.length === 0) {
    throw new BadParameter(`Parameter bucket is missing; name the bucket that distribution ${distributions[0]} serves`);
  }
  // How many there are is not known here if they are discovered: one at least.
  const sharing = Math.max(1, distributions.length);
  const fewest = FEWEST_PATHS * sharing;
  if (allowance < fewest) {
    throw new BadParameter(
      `Parameters freePaths ${freePaths} and budgetUsd ${budgetUsd} allow ${allowance} paths a month; ` +
        `it must be ${fewest} or more`
    );
  }
  const needed = guaranteeMinutes === '' ? 0 : sharing * Math.ceil(LONGEST_MONTH_MINUTES / Number(guaranteeMinutes));
  if (needed > allowance) {
    const enough = ((needed - Number(freePaths)) * PATH_PRICE_USD).toFixed(2);
    throw new BadParameter(
      `Parameter guaranteeMinutes is ${guaranteeMinutes}, which takes ${needed} paths a month of ${allowance} allowed; ` +
        `it needs a budgetUsd of ${enough} or more`
    );
  }
};

const settings = async ({ options, resolveVariable }) => {
  const known = Object.keys(patterns).filter((name) => name !== 'stage');
  checkNames(options.param, known);
  const given = {};
  for (const name of known) given[name] = String(await resolveVariable(`param:${name}`)).trim();

  const stage = check('stage', await resolveVariable('self:provider.stage'));
  const names = list('bucket', given.bucket, MOST_BUCKETS);
  const distributions = list('distribution', given.distribution, MOST_DISTRIBUTIONS);
  const budgetUsd = check('budgetUsd', given.budgetUsd);
  const freePaths = check('freePaths', given.freePaths);
  const guaranteeMinutes = checkIfGiven('guaranteeMinutes', given.guaranteeMinutes);
  const skipUnchanged = check('skipUnchanged', given.skipUnchanged) === 'true';
  const alarmEmail = checkIfGiven('alarmEmail', given.alarmEmail);
  const allowance = budgetUsd === 'none' ? Infinity : Number(freePaths) + pathsFor(Number(budgetUsd));
  checkTogether({ names, distributions, allowance, budgetUsd, freePaths, guaranteeMinutes });

  return {
    source: names.length > 0 ? 'buckets' : 'site',
    bucketNames: names,
    bucketList: names.join(','),
    bucketArns: names.map(bucketArn),
    objectArns: names.map((name) => bucketArn(`${name}/*`)),
    distributionList: distributions.join(','),
    distributionOutput: distributions.join(',') || 'discovered',
    distributionArns: (distributions.length > 0 ? distributions : ['*']).map(distributionArn),
    lookups: ['cloudfront:GetCachePolicy', ...(distributions.length > 0 ? [] : ['cloudfront:ListDistributions'])],
    include: list('include', given.include).join(','),
    exclude: list('exclude', given.exclude).join(','),
    immutable: list('immutable', given.immutable).join(','),
    viewerPaths: list('viewerPaths', given.viewerPaths).join(','),
    budgetUsd,
    freePaths,
    guaranteeMinutes,
    catalogue: skipUnchanged ? '${file(infra/catalogue.yml)}' : {},
    catalogueTable: skipUnchanged ? { Ref: 'CatalogueTable' } : '',
    alarmEmail,
    alarmActions: alarmEmail ? [{ Ref: 'AlarmTopic' }] : [],
    alarmTopic: alarmEmail ? '${file(infra/topic.yml)}' : {},
    ...(PASSING_STAGES.includes(stage) ? THROWN_AWAY : KEPT_BY_DEFAULT),
  };
};

module.exports = async (context) => {
  try {
    return await settings(context);
  } catch (error) {
    if (!(error instanceof BadParameter)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
};
