/* An engine of automatic differentiation that speaks the protocol of nn_from_scratch/verify/engines/wire/PROTOCOL.md:

       cc -std=c99 -O2 engine.c -o engine -lm
       nn-from-scratch verify --engine "command:./engine"

   With --bug a node that is used twice has the gradient of one use only, which the suite must find. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 4000000 };

typedef struct { double value, gradient, adjoint, slopes[2]; long parents[2], is_reached; } Node;
typedef struct { double value; long node; } Operand; /* a constant has node -1 */

static Node tape[ROOM];     /* every node, after those that it was computed from */
static long numbered[ROOM]; /* where on the tape the protocol's nodes are: the steps of a `repeat` have no number */
static long nodes, made;
static int has_bug;
static char problem[128]; /* what is wrong with the present move; empty while nothing is */

static void fail(const char *what, const char *name) {
    if (!*problem) snprintf(problem, sizeof problem, "%s%.60s", what, name);
}

static long new_node(double value, double dx, double dy, long first, long second) {
    if (nodes == ROOM) return fail("too many nodes", ""), 0;
    tape[nodes] = (Node){value, 0, 0, {dx, dy}, {first, second}, 0};
    return nodes++;
}

/* JSON, of requests in which nothing is escaped and no blank is: a reader is a pointer into the line. */
static int next_is(char **at, char c) { return **at == c && ++*at; }

static char *read_text(char **at) {
    char *text = *at + next_is(at, '"');
    *at += strcspn(*at, "\"");
    if (**at) *(*at)++ = 0;
    return text;
}

static Operand read_operand(char **at) { /* a number is a text, which C can read; a node is its number */
    if (**at == '"') return (Operand){strtod(read_text(at), NULL), -1};
    long number = strtol(*at, at, 10);
    if (number < 0 || number >= made) return fail("no such node", ""), (Operand){0, 0};
    return (Operand){tape[numbered[number]].value, numbered[number]};
}

static long apply(const char *name, Operand a, Operand b) {
    double x = a.value, y = b.value, v = 0, dx = 0, dy = 0;
    if (!strcmp(name, "add")) v = x + y, dx = 1, dy = 1;
    else if (!strcmp(name, "sub")) v = x - y, dx = 1, dy = -1;
    else if (!strcmp(name, "mul")) v = x * y, dx = y, dy = x;
    else if (!strcmp(name, "div")) v = x / y, dx = 1 / y, dy = -v / y;
    else if (!strcmp(name, "pow")) v = pow(x, y), dx = y ? y * pow(x, y - 1) : 0, dy = x == 0 && y > 0 ? 0 : v * log(x);
    else if (!strcmp(name, "neg")) v = -x, dx = -1;
    else if (!strcmp(name, "exp")) v = dx = exp(x);
    else if (!strcmp(name, "log")) v = log(x), dx = 1 / x;
    else if (!strcmp(name, "sin")) v = sin(x), dx = cos(x);
    else if (!strcmp(name, "tanh")) v = tanh(x), dx = 1 / (cosh(x) * cosh(x));
    else if (!strcmp(name, "relu")) v = x > 0 ? x : 0, dx = x > 0;
    else if (!strcmp(name, "maximum")) v = x >= y ? x : y, dx = x >= y, dy = !dx;
    else fail("no operation ", name);
    return new_node(v, dx, dy, a.node, b.node);
}

static void backward(long output) { /* along the tape, without recursion: no chain is too long */
    tape[output].adjoint = tape[output].is_reached = 1;
    for (Node *node = tape + output; node >= tape; node--) {
        if (!node->is_reached) continue;
        for (int k = 0; k < 2; k++) {
            if (node->parents[k] < 0) continue;
            Node *parent = tape + node->parents[k];
            parent->adjoint = (has_bug ? 0 : parent->adjoint) + node->adjoint * node->slopes[k];
            parent->is_reached = 1;
        }
        node->gradient += node->adjoint;
        node->adjoint = node->is_reached = 0; /* for the next time */
    }
}

static void make(char **at, int *said) { /* the move that begins here, of which what it says is printed */
    char *move = read_text(at);
    long node = -1, times = 1;
    next_is(at, ',');
    if (!strcmp(move, "repeat")) times = strtol(*at, at, 10), next_is(at, ',');
    if (!strcmp(move, "repeat") || !strcmp(move, "apply")) {
        char *name = read_text(at);
        next_is(at, ',');
        Operand a = read_operand(at), b = {0, -1};
        if (next_is(at, ',')) b = read_operand(at);
        if (times < 1) fail("nothing to ", move);
        for (; times-- > 0 && !*problem; a = (Operand){tape[node].value, node}) node = apply(name, a, b);
    } else if (!strcmp(move, "variable")) {
        node = new_node(read_operand(at).value, 0, 0, -1, -1);
    } else if (!strcmp(move, "forget")) {
        nodes = made = 0;
    } else {
        long on = read_operand(at).node;
        next_is(at, ',');
        if (*problem) return;
        if (!strcmp(move, "backward")) backward(on);
        else if (!strcmp(move, "assign")) tape[on].value = read_operand(at).value;
        else if (!strcmp(move, "reset")) tape[on].gradient = 0;
        else if (!strcmp(move, "value") || !strcmp(move, "gradient"))
            printf("%s\"%a\"", (*said)++ ? "," : "", *move == 'v' ? tape[on].value : tape[on].gradient);
        else fail("no move ", move);
    }
    if (node >= 0 && !*problem) numbered[made++] = node;
}

static char *find(char *line, char *key) { /* what comes after a key; "" if it is not there */
    char *at = strstr(line, key);
    return at ? at + strlen(key) : "";
}

static void answer(char *line) {
    char *at = find(line, "\"program\":");
    long number = 0;
    int said = 0;
    clock_t start = clock();
    *problem = 0;
    if (*find(line, "\"continue\":") != 't') nodes = made = 0;
    printf("{\"id\":%ld,\"said\":[", strtol(find(line, "\"id\":"), NULL, 10));
    for (next_is(&at, '['); next_is(&at, '['); next_is(&at, ']'), next_is(&at, ','), number++) {
        make(&at, &said);
        if (*problem) break; /* a program ends at the first move that fails */
    }
    printf("],\"seconds\":%g", (double)(clock() - start) / CLOCKS_PER_SEC);
    if (*problem) printf(",\"failed\":{\"move\":%ld,\"kinds\":[\"Error\"],\"message\":\"%s\"}", number, problem);
    puts("}"), fflush(stdout);
}

int main(int count, char **arguments) {
    size_t size = 1 << 16, used = 0;
    char *line = malloc(size);
    has_bug = count > 1 && !strcmp(arguments[1], "--bug");
    puts("{\"protocol\":1,\"name\":\"engine.c\",\"moves\":[\"variable\",\"apply\",\"repeat\",\"backward\",\"assign\","
         "\"reset\",\"value\",\"gradient\",\"forget\"],\"operations\":[\"add\",\"sub\",\"mul\",\"div\",\"pow\",\"neg\","
         "\"exp\",\"log\",\"sin\",\"tanh\",\"relu\",\"maximum\"]}");
    fflush(stdout);
    while (line && fgets(line + used, size - used, stdin)) {
        used += strlen(line + used);
        if (line[used - 1] == '\n') answer(line), used = 0;
        else line = realloc(line, size *= 2);
    }
}
