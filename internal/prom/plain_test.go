package prom

import (
	"encoding/json"
	"fmt"

	"github.com/prometheus/common/model"
)

// The plain way to read an answer, by encoding/json and prometheus/common: what the decoder must agree with.

type plainEnvelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
}

func plainData(body []byte, data any) (plainEnvelope, error) {
	var answer plainEnvelope
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, err
	}
	if answer.Status != "success" {
		return answer, fmt.Errorf("%q %s: %s", answer.Status, answer.ErrorType, answer.Error)
	}
	return answer, json.Unmarshal(answer.Data, data)
}

func plainQuery(body []byte) (Result, error) {
	var data struct {
		Type   model.ValueType `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	answer, err := plainData(body, &data)
	if err != nil {
		return Result{}, err
	}
	var value model.Value
	switch data.Type {
	case model.ValVector:
		value = new(model.Vector)
	case model.ValMatrix:
		value = new(model.Matrix)
	case model.ValScalar:
		value = new(model.Scalar)
	case model.ValString:
		value = new(model.String)
	default:
		return Result{}, fmt.Errorf("unknown result type %q", data.Type)
	}
	if err := json.Unmarshal(data.Result, value); err != nil {
		return Result{}, err
	}
	switch v := value.(type) {
	case *model.Vector:
		value = *v
	case *model.Matrix:
		value = *v
	}
	return Result{Value: value, Warnings: answer.Warnings, Infos: answer.Infos}, nil
}

func plainTexts(body []byte) (list []string, err error) {
	_, err = plainData(body, &list)
	return list, err
}

func plainSets(body []byte) (list []model.LabelSet, err error) {
	_, err = plainData(body, &list)
	return list, err
}
