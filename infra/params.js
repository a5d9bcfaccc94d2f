'use strict';

// Checks the deploy parameters and works out what the templates need from them.
// A wrong parameter ends the command with one line, before anything is packaged or deployed.

const KEPT_BY_DEFAULT = { deletionPolicy: 'Retain', deletionProtection: true };
const THROWN_AWAY = { deletionPolicy: 'Delete', deletionProtection: false };
const PASSING_STAGES = ['demo', 'test'];

const NOTHING = { Ref: 'AWS::NoValue' };

const PATH_PRICE_USD = 0.005;
const LONGEST_MONTH_MINUTES = 31 * 24 * 60;
const FEWEST_PATHS = 2;
const WARNED_PERCENT = 80;
const LONGEST_WAIT_SECONDS = 3600;
const MOST_SHARDS = 100;
const WILDCARDS_IN_PROGRESS = 15;
const MOST_BUCKETS = 10;
const MOST_DISTRIBUTIONS = 20;
const LONGEST_LIST = 1000;
const S3_TIMEOUT_MS = 5000;

// What a value must be, in words, and the test of it.
const like = (pattern, bound) => ({ bound, fits: (value) => pattern.test(value) });
const within = (least, most, value) => least <= Number(value) && Number(value) <= most;
const whole = (least, most, unit = '') => ({
  bound: `a whole number${unit} from ${least} to ${most}`,
  fits: (value) => /^\d{1,9}$/.test(value) && within(least, most, value),
});
const dollars = (most) => ({
  bound: `dollars from 0 to ${most}`,
  fits: (value) => /^\d{1,9}(\.\d{1,12})?$/.test(value) && within(0, most, value),
});
const PATTERN = like(/^[^\s,]{1,255}$/, "a path pattern of CloudFront's, such as assets/*, without spaces or commas");

const rules = {
  stage: like(/^[a-z][a-z0-9-]{0,19}$/, '1 to 20 lower-case letters, digits and hyphens, starting with a letter'),
  bucket: like(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens'),
  distribution: like(/^E[A-Z0-9]{5,30}$/, 'a distribution id: an E followed by capital letters and digits'),
  budgetUsd: like(/^(none|\d{1,6}(\.\d{1,2})?)$/, 'dollars from 0 to 999999.99, or none for no limit'),
  freePaths: whole(0, 1000),
  guaranteeMinutes: whole(1, 9999, ' of minutes'),
  quietSeconds: whole(0, LONGEST_WAIT_SECONDS),
  maxWaitSeconds: whole(1, LONGEST_WAIT_SECONDS),
  shards: whole(1, MOST_SHARDS),
  headroom: whole(0, WILDCARDS_IN_PROGRESS - 1),
  refetchUsd: dollars(1),
  missUsd: dollars(1),
  include: PATTERN,
  exclude: PATTERN,
  immutable: PATTERN,
  viewerPaths: like(
    /^(E[A-Z0-9]{5,30}=)?(none|(folders|bare|queries|errors|stems)(\+(folders|bare|queries|errors|stems))*)$/,
    'folders, bare, queries, errors and stems joined by +, or none, with or without a distribution id and = before it'
  ),
  skipUnchanged: like(/^(true|false)$/, 'true or false'),
  alarmEmail: like(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'one e-mail address'),
  dashboard: like(/^(true|false)$/, 'true or false'),
  permissionsBoundary: like(
    /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@\/-]{1,512}$/,
    'the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary'
  ),
};

class BadParameter extends Error {}

const check = (name, value, { bound, fits } = rules[name]) => {
  if (!fits(value)) throw new BadParameter(`Parameter ${name} is "${value}"; it must be ${bound}`);
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
const plural = (count, noun) => `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;

const distributionArn = (id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/${id}` });

// In tenths of a cent, since 0.005 has no exact binary fraction.
const PATH_PRICE_MILS = Math.round(PATH_PRICE_USD * 1000);
const pathsFor = (dollars) => Math.floor(Math.round(dollars * 1000) / PATH_PRICE_MILS);
// To the cent, upwards: what this returns pays for the paths.
const dollarsFor = (paths) => Math.ceil((paths * PATH_PRICE_MILS) / 10) / 100;

const warning = (budgetUsd) => ({
  budgetAlarm: '${file(infra/budget.yml)}',
  budgetWarning: (Math.round(budgetUsd * 100) * WARNED_PERCENT) / 10000,
});

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
  if (guaranteeMinutes === '') return;
  const needed = sharing * Math.ceil(LONGEST_MONTH_MINUTES / guaranteeMinutes);
  if (needed > allowance) {
    const cost = dollarsFor(Math.max(0, needed - freePaths));
    const possible = Math.ceil(LONGEST_MONTH_MINUTES / Math.floor(allowance / sharing));
    throw new BadParameter(
      `Parameter guaranteeMinutes is "${guaranteeMinutes}": A flush${sharing > 1 ? ` of each of ${sharing} distributions` : ''} ` +
        `every ${plural(guaranteeMinutes, 'minute')} takes ${needed.toLocaleString('en-US')} paths a month, ` +
        `$${cost.toFixed(2)}; your budget pays for one every ${plural(possible, 'minute')} at most`
    );
  }
};

// "Regardless of the permissions on the bucket, you will receive a response header with the correct bucket location"
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html). Without it nothing is held against the bucket.
const regionOf = async (name, region) => {
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const endpoint = process.env.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com${suffix}`;
  const request = { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(S3_TIMEOUT_MS) };
  return fetch(`${endpoint}/${name}`, request).then((answer) => answer.headers.get('x-amz-bucket-region'), () => null);
};

const checkRegions = async (names, here) => {
  const regions = await Promise.all(names.map((name) => regionOf(name, here)));
  const away = regions.findIndex((region) => region !== null && region !== here);
  if (away >= 0) {
    throw new BadParameter(
      `Parameter bucket names ${names[away]}, which is in ${regions[away]}, not in ${here}; ` +
        `deploy a stack with --region ${regions[away]} for it`
    );
  }
};

const settings = async ({ options, resolveConfigurationProperty, resolveVariable }) => {
  const known = Object.keys(rules).filter((name) => name !== 'stage');
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
  const maxWaitSeconds = check('maxWaitSeconds', given.maxWaitSeconds);
  const quietSeconds = check('quietSeconds', given.quietSeconds, whole(0, Number(maxWaitSeconds)));
  const alarmEmail = checkIfGiven('alarmEmail', given.alarmEmail);
  const permissionsBoundary = checkIfGiven('permissionsBoundary', given.permissionsBoundary);
  const dashboard = check('dashboard', given.dashboard) === 'true';
  const allowance = budgetUsd === 'none' ? Infinity : Number(freePaths) + pathsFor(Number(budgetUsd));
  checkTogether({ names, distributions, allowance, budgetUsd, freePaths, guaranteeMinutes });
  if (process.argv.includes('deploy')) await checkRegions(names, await resolveVariable('self:provider.region'));

  const defaults = await resolveConfigurationProperty(['params', 'default']);
  const differs = ([name, value]) => value !== String(defaults[name]);

  return {
    // The template keeps them, so that `edgesweep doctor` can say how to deploy again.
    given: Object.fromEntries(Object.entries(given).filter(differs)),
    source: names.length > 0 ? 'buckets' : 'site',
    bucketNames: names,
    bucketList: names.join(','),
    bucketArns: names.map(bucketArn),
    objectArns: names.map((name) => bucketArn(`${name}/*`)),
    distributionList: distributions.join(','),
    distributionOutput: distributions.join(',') || 'discovered',
    distributionArns: (distributions.length > 0 ? distributions : ['*']).map(distributionArn),
    discover: distributions.length > 0 ? NOTHING : { Sid: 'Discover', Effect: 'Allow', Action: ['cloudfront:ListDistributions'], Resource: '*' },
    include: list('include', given.include).join(','),
    exclude: list('exclude', given.exclude).join(','),
    immutable: list('immutable', given.immutable).join(','),
    viewerPaths: list('viewerPaths', given.viewerPaths).join(','),
    budgetUsd,
    freePaths,
    guaranteeMinutes,
    catalogue: skipUnchanged ? '${file(infra/catalogue.yml)}' : {},
    cataloguePolicy: skipUnchanged ? ['CataloguePolicy'] : [],
    catalogueTable: skipUnchanged ? { Ref: 'CatalogueTable' } : '',
    quietSeconds,
    maxWaitSeconds,
    shards: check('shards', given.shards),
    headroom: check('headroom', given.headroom),
    refetchUsd: check('refetchUsd', given.refetchUsd),
    missUsd: check('missUsd', given.missUsd),
    alarmEmail,
    alarmActions: alarmEmail ? [{ Ref: 'AlarmTopic' }] : [],
    ...(Number(budgetUsd) ? warning(budgetUsd) : { budgetAlarm: {} }),   // beyond free paths, a budget of 0 spends nothing
    alarmTopic: alarmEmail ? '${file(infra/topic.yml)}' : {},
    dashboard: dashboard ? '${file(infra/dashboard.yml)}' : {},
    permissionsBoundary: permissionsBoundary || NOTHING,
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
