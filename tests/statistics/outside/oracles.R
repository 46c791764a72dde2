# What R says of the tables in data.json; writes oracles.json beside it.
# Rscript tests/statistics/outside/oracles.R   (Debian: r-cran-survey r-cran-lme4 r-cran-jsonlite)
suppressMessages({library(survey); library(lme4); library(jsonlite)})
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
here <- dirname(normalizePath(script))
data <- fromJSON(file.path(here, "data.json"))

# One row an image: which model errs.
g <- data$groups
neither <- g$size - g$only_a - g$only_b - g$both
times <- c(g$only_a, g$only_b, g$both, neither)
images <- data.frame(
  group = rep(rep(seq_len(nrow(g)), 4), times),
  class = rep(rep(g$class, 4), times),
  a = rep(rep(c(1, 0, 1, 0), each = nrow(g)), times),
  b = rep(rep(c(0, 1, 1, 0), each = nrow(g)), times)
)
images$difference <- images$b - images$a
images$one <- 1
of <- function(design) {
  error <- function(formula) as.numeric(SE(svymean(formula, design)))
  rates <- svymean(~a + b, design)
  reduction <- svycontrast(rates, quote(log(b / a)))
  discordant <- svyratio(~I(a * (1 - b)), ~I(a != b), design)
  list(
    a = error(~a), difference = error(~difference),
    log_ratio = as.numeric(SE(reduction)), share_of_a = as.numeric(SE(discordant))
  )
}
# Groups within classes whose numbers of images are known.
within <- svydesign(ids = ~group, strata = ~class, weights = ~one, data = images)
totals <- as.data.frame(table(class = images$class), stringsAsFactors = FALSE)
totals$class <- as.integer(totals$class)
fixed <- postStratify(within, ~class, totals)
loose <- svydesign(ids = ~group, weights = ~one, data = images)

# Every seed answers for every group.
rates <- as.vector(data$rates)
crossed <- data.frame(
  rate = rates,
  group = factor(row(data$rates)), seed = factor(col(data$rates))
)
model <- lmer(rate ~ 1 + (1 | group) + (1 | seed), crossed, REML = TRUE)
parts <- as.data.frame(VarCorr(model))
part <- function(name) parts$vcov[parts$grp == name]

wilson <- apply(data$proportions, 1, function(x) {
  as.numeric(prop.test(x[1], x[2], correct = FALSE)$conf.int)
})
write_json(
  list(
    source = paste0(
      R.version.string, ", survey ", packageVersion("survey"), ", lme4 ", packageVersion("lme4")
    ),
    within_classes = of(fixed), one_stratum = of(loose),
    crossed = list(
      error = as.numeric(sqrt(vcov(model)[1, 1])),
      group = part("group"), seed = part("seed"), residual = part("Residual")
    ),
    wilson = t(wilson),
    holm = p.adjust(data$p_values, "holm"), bh = p.adjust(data$p_values, "BH")
  ),
  file.path(here, "oracles.json"), auto_unbox = TRUE, digits = 12, pretty = TRUE
)
