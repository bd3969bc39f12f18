/**
 * What went wrong between us and the server, and the status it means.
 */
#ifndef PGS_STATUS_H
#define PGS_STATUS_H

#include <chancery/host.h>

#include <libpq-fe.h>
#include <stdbool.h>

/** How an exchange with the server ended. */
enum pgs_end {
    PGS_DONE = 0,    /**< every answer is there */
    PGS_REFUSED = 1, /**< the server answered with an error: the transaction is undone */
    PGS_LOST = 2,    /**< the connection broke, or the server fell silent */
    PGS_LATE = 3,    /**< the time given is over; the connection is of no use any more */
    PGS_UNKNOWN = 4  /**< the connection broke during a commit, and what became of it is unknown */
};

/** The first failure of an exchange. */
struct pgs_failure {
    enum pgs_end end;
    uint32_t call;       /**< which one it was */
    char sqlstate[6];    /**< empty when the failure is not the server's */
    char constraint[64]; /**< of a violated one */
    char message[300];   /**< one line */
};

/** pgs_failure_read fills in what the server, or libpq, said; before any other call on `pg`. */
void pgs_failure_read(struct pgs_failure *out_failure, const PGconn *pg, const PGresult *result);
/** pgs_failure_say sets the message from text that may have line breaks. */
void pgs_failure_say(struct pgs_failure *out_failure, const char *text);
/** pgs_failure_is tells whether the SQLSTATE begins with `class_or_code`. */
bool pgs_failure_is(const struct pgs_failure *failure, const char *class_or_code);

/** pgs_status_of maps an SQLSTATE. */
chy_status pgs_status_of(const char *sqlstate);
/** pgs_fail records the failure on `op`, as what stopped `doing`, and returns its status. */
chy_status pgs_fail(struct chy_op *op, const struct pgs_failure *failure, const char *doing);

#endif
